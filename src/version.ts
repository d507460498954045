declare const __PRUNEGATE_VERSION__: string | undefined;

/** package.json's version, put in by the build. */
export const VERSION: string = typeof __PRUNEGATE_VERSION__ === 'string' ? __PRUNEGATE_VERSION__ : '0.0.0-source';
