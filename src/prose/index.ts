export { shellWord } from './command.ts';
export { allFilters, filterWords, sameFilters, without } from './filters.ts';
export {
  change,
  duration,
  marginText,
  normText,
  percent,
  percentChange,
  percentDown,
  rounded,
  scoreText,
  size,
  thousands,
} from './numbers.ts';
export { capitalized, counted, decapitalized, joined, listed, sentence } from './words.ts';
