/** How messages name a tensor. */
export function tensorKey(name: string): string {
  return name === '' ? 'an unnamed tensor' : `tensor ${name.length <= 120 ? name : `${name.slice(0, 117)}...`}`;
}
