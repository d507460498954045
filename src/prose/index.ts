export { shellWord } from './command.ts';
export { filterWords, sameFilters } from './filters.ts';
export { duration, percent, percentChange, size, thousands } from './numbers.ts';
export { capitalized, counted, decapitalized, joined, sentence } from './words.ts';
