import {
  type Channel,
  type Client,
  clientOf,
  pathInRepository,
  printAnnotation,
  printLine,
  readBaseFile,
} from '../github/index.ts';
import type { PolicyHost } from './policy.ts';

/** The base commit is asked by the job's token. */
export function policyHost(channel: Channel): PolicyHost {
  const { event, workspace } = channel;
  let client: Promise<Client> | null = null;
  return {
    event,
    root: workspace ?? process.cwd(),
    pathInRepository: (file) => pathInRepository(file, workspace),
    async readBase(path) {
      client ??= clientOf(channel, event);
      return readBaseFile(await client, event, path);
    },
    async warn(message) {
      const title = 'prunegate: the policy of the base commit is not known';
      // Who gives no token does not mean it to be asked.
      if ((await client)?.kind === 'none') printLine(message);
      else printAnnotation({ level: 'warning', title, message, file: null, line: null });
    },
  };
}
