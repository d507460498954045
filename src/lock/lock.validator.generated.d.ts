// Generated from schemas/lock.schema.json by scripts/build-validators.mjs.
import type { Validator } from '../config/validate.ts';

export declare const validateLock: Validator;
