/**
 * Functions of a WebAssembly module on a memory, which they import as `env.memory`. The module is compiled when it is first asked for, and once.
 * @param base64 the module's bytes, as scripts/build-wasm.mjs writes them
 */
export function webAssembly<Functions>(base64: string): (memory: WebAssembly.Memory) => Functions {
  let module: WebAssembly.Module | null = null;
  const instances = new WeakMap<WebAssembly.Memory, Functions>();
  return (memory) => {
    const known = instances.get(memory);
    if (known !== undefined) return known;
    module ??= new WebAssembly.Module(Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)));
    const functions = new WebAssembly.Instance(module, { env: { memory } }).exports as Functions;
    instances.set(memory, functions);
    return functions;
  };
}
