export { shellWord } from './command.ts';
export { allFilters, filterWords, sameFilters, without } from './filters.ts';
export { duration, percent, percentChange, percentDown, scoreText, size, thousands } from './numbers.ts';
export { capitalized, counted, decapitalized, joined, listed, sentence } from './words.ts';
