import { askProgram } from './program.ts';

/** The label under which a command's containers are found: they are the daemon's children, so no signal to the command's processes reaches them. */
export const CONTAINER_LABEL = 'prunegate.command';

/** Between the runner's signals and its last one there are some three seconds left. */
const TIMEOUT_MS = 3000;

/**
 * Removes the containers that a command labelled with its id.
 * @returns how many there were.
 */
export async function removeContainers(id: string, env: Readonly<Record<string, string>>): Promise<number> {
  const docker = async (...args: readonly string[]): Promise<string> => {
    const result = await askProgram('docker', args, env, TIMEOUT_MS);
    return result.kind === 'done' ? result.stdout : '';
  };
  const found = await docker('ps', '--all', '--quiet', '--filter', `label=${CONTAINER_LABEL}=${id}`);
  const containers = found.split(/\s+/).filter((each) => /^[0-9a-f]+$/.test(each));
  if (containers.length > 0) await docker('rm', '--force', ...containers);
  return containers.length;
}
