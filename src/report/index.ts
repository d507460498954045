export type { Conclusion } from '../verdict/index.ts';
export { DETAILS, type Detail } from './detail.ts';
export { cutText, escaped } from './escape.ts';
export { explainCommand } from './explain-command.ts';
export {
  type ExplainedFilter,
  type ExplanationTable,
  explainModel,
  explanationTable,
  type ModelExplanation,
  renderLayerExplanation,
  renderModelExplanation,
} from './explanation.ts';
export { REPORT_FORMATS, type ReportFormat } from './formats.ts';
export { describeGpu } from './gpu.ts';
export { type ModelNumbers, numbersOf } from './html/numbers.ts';
export { renderJson } from './json.ts';
export { lintText } from './lint.ts';
export { type Link, type Medium, renderMarkdown } from './markdown.ts';
export { ANYBODY, type Reader } from './reader.ts';
export {
  COMPLETENESS_UNCHECKED,
  type ModelError,
  makeReport,
  makeReportSet,
  type Report,
  type ReportBaseline,
  type ReportLayer,
  type ReportLint,
  type ReportLock,
  type ReportSet,
} from './report.ts';
export { repositoryPath } from './repository-path.ts';
export type { Style, Tone } from './style.ts';
export { type ReportFiles, writePageOfAll, writePages, writeReport, writeReports } from './write.ts';
