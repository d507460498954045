export type { Conclusion } from '../verdict/index.ts';
export { DETAILS, type Detail } from './detail.ts';
export { cutText, escaped, shortLine, shortName } from './escape.ts';
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
export { fitted } from './fit.ts';
export { REPORT_FORMATS, type ReportFormat } from './formats.ts';
export { describeGpu } from './gpu.ts';
export { type ModelNumbers, numbersOf } from './html/numbers.ts';
export { renderJson } from './json.ts';
export { lintText } from './lint.ts';
export { layerExplanationMarkdown, modelExplanationMarkdown } from './markdown/explanation.ts';
export type { Link } from './markdown/findings.ts';
export { type Medium, renderMarkdown } from './markdown/markdown.ts';
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
export { renderOverview } from './set-text.ts';
export type { Style, Tone } from './style.ts';
export { type ReportFiles, writePageOfAll, writePages, writeReport, writeReports } from './write.ts';
