import { describe, expect, it } from 'vitest';
import { layerNames, nameScheme } from '../../src/network/name-scheme.ts';

describe('names that mean nothing in a model', () => {
  const wrapped = ['model.stem.0', 'model.b.conv1', 'model.fc'];

  it('are those under the one prefix that a wrapper gave', () => {
    const scheme = nameScheme(['fc', 'b'], wrapped)!;
    expect(scheme).toMatchObject({ prefix: 'model', isOfModel: true });
    expect(['fc', 'b', 'stem.0'].map(scheme.resolve)).toEqual(['model.fc', 'model.b', 'model.stem.0']);
  });

  it('are those without the prefix that they have themselves', () => {
    const scheme = nameScheme(['module.fc', 'module.b'], ['stem.0', 'b.conv1', 'fc'])!;
    expect(scheme).toMatchObject({ prefix: 'module', isOfModel: false });
    expect(scheme.resolve('module.fc')).toBe('fc');
    expect(nameScheme(['a.module.fc'], ['fc', 'b'])!.prefix).toBe('a.module');
  });

  it.each([
    ['some mean something as they are', ['fc', 'model.b'], wrapped],
    ['one has no layer there', ['fc', 'head'], wrapped],
    ['the prefix is that of a few layers alone', ['fc'], ['stem', 'body', 'neck.fc', 'head']],
    ['two prefixes would do', ['fc'], ['a.fc.fc', 'a.fc.b']],
    ['no name is there', [], wrapped],
  ])('stay unresolved where %s', (_, given, layers) => {
    expect(nameScheme(given, layers)).toBeNull();
  });

  it('may mean any layer whose name ends so', () => {
    expect(layerNames(['a.fc', 'b.fc.0', 'xfc', 'fcx.a', 'fc']).meantBy('fc')).toEqual(['a.fc', 'b.fc.0']);
  });
});
