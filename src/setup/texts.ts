import { stringify } from 'yaml';
import { CONFIG_SCHEMA_ID } from '../config/index.ts';
import type { ProposedModel } from './proposal.ts';

/** Where models come from in CI, and where it runs. */
export interface Setup {
  readonly models: readonly ProposedModel[];
  readonly exportCommand: string | null;
  readonly pruneCommand: string | null;
  /** What `runs-on` gets. */
  readonly runner: 'hosted' | 'self-hosted';
  /** For `pip install -r`; null where no Python is set up. */
  readonly requirements: string | null;
  readonly hasLfs: boolean;
  readonly version: string;
}

/** The commits of the actions that are used; test/setup holds them to those of examples/workflows. */
const CHECKOUT = 'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1';
const PYTHON = 'actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0';
const UPLOAD = 'actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0';
const DOWNLOAD = 'actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1';

/** prunegate.yml. */
export function configText({ models, exportCommand, pruneCommand }: Setup): string {
  const command = (run: string | null): { readonly run: string } | undefined => (run === null ? undefined : { run });
  const entries = models.map(({ name, dense, pruned, spec }) => ({
    ...{ name, dense, pruned, spec },
    export: command(exportCommand),
    prune: command(pruneCommand),
  }));
  return `# yaml-language-server: $schema=${CONFIG_SCHEMA_ID}\n${stringify({ models: entries }, { lineWidth: 0 })}`;
}

/** .github/workflows/prunegate.yml: one job for a model, a matrix and one verdict for several. */
export function workflowText(setup: Setup): string {
  const head = `name: Pruning

on:
  pull_request:
  merge_group:

permissions: {}

concurrency:
  group: \${{ github.workflow }}-\${{ github.event.pull_request.number || github.sha }}
  cancel-in-progress: true

jobs:
`;
  return head + (setup.models.length === 1 ? job(setup) : matrix(setup));
}

function job(setup: Setup): string {
  return `  prunegate:
    name: Pruned as the spec says
    runs-on: ${runner(setup)}
    timeout-minutes: 60
    permissions:
      contents: read # to check the code out, and to read prunegate.yml at the base commit
      pull-requests: write # for the comment
    steps:
${steps(setup)}      - uses: ${action(setup)}
`;
}

function matrix(setup: Setup): string {
  const plain = { ...setup, requirements: null, hasLfs: false };
  return `  plan:
    name: Which models
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      contents: read # to check the code out, and to read prunegate.yml at the base commit
    outputs:
      matrix: \${{ steps.plan.outputs.matrix }}
    steps:
${steps(plain)}      - uses: ${action(setup)}
        id: plan
        with:
          mode: plan

  check:
    name: \${{ matrix.model }}
    needs: plan
    runs-on: ${runner(setup)}
    timeout-minutes: 60
    permissions:
      contents: read # to check the code out, and to read prunegate.yml at the base commit
    strategy:
      fail-fast: false
      matrix: \${{ fromJSON(needs.plan.outputs.matrix) }}
    steps:
${steps(setup)}      - uses: ${action(setup)}
        with:
          model: \${{ matrix.model }}
          report-dir: reports
          comment: never # the last job writes one of all models
      - if: \${{ !cancelled() }}
        uses: ${UPLOAD}
        with:
          # A model's name may hold characters that the name of an artifact may not.
          name: prunegate-\${{ strategy.job-index }}
          path: reports
          if-no-files-found: ignore # a command that fails leaves none; the last job fails then

  # Require this one.
  verdict:
    name: All models pruned as their specs say
    needs: [plan, check]
    if: \${{ always() }} # to GitHub a skipped job is a passed one
    runs-on: ubuntu-latest
    timeout-minutes: 10
    permissions:
      contents: read # to check the code out, and to read prunegate.yml at the base commit
      pull-requests: write # for the comment
    steps:
${steps(plain)}      - uses: ${DOWNLOAD}
        with:
          pattern: prunegate-*
          path: reports
      - uses: ${action(setup)}
        with:
          mode: merge
          models: \${{ needs.plan.outputs.matrix }}
          reports: reports/**/report.json
      - name: Every model has been checked
        if: \${{ needs.check.result != 'success' }}
        run: exit 1
`;
}

function steps({ requirements, hasLfs }: Setup): string {
  const checkout = `      - uses: ${CHECKOUT}
        with:
          persist-credentials: false
${hasLfs ? '          lfs: true\n' : ''}`;
  if (requirements === null) return checkout;
  return `${checkout}      - uses: ${PYTHON}
        with:
          python-version: "3.12"
      - run: pip install -r ${requirements}
`;
}

function runner(setup: Setup): string {
  return setup.runner === 'hosted' ? 'ubuntu-latest' : '[self-hosted, linux, gpu]';
}

function action({ version }: Setup): string {
  return `prunegate/prunegate@v${version} # zizmor: ignore[unpinned-uses] pin the commit of the release that you take`;
}
