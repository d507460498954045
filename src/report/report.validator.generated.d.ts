// Generated from schemas/report.schema.json by scripts/build-validators.mjs.
import type { Validator } from '../config/validate.ts';

export declare const validateReport: Validator;
