export const LICENCES: readonly string[];
export function unlisted(folder: string): readonly { readonly name: string; readonly licence: string }[];
