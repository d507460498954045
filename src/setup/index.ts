export { diagnose, type Finding, type Machine } from './doctor.ts';
export { look, type Seen } from './look.ts';
export { type Answers, type ProposedModel, propose, type Question } from './proposal.ts';
export { configText, type Setup, workflowText } from './texts.ts';
