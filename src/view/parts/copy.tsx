import { useState } from 'preact/hooks';
import { filterWords } from '../../prose/index.ts';

/** A list of filters, short, and a button that copies all of it. */
export function Copyable({ name, list }: { readonly name: string; readonly list: readonly number[] }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(list.join(', '));
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div class="copyable">
      <span class="muted">{name}</span> <span class="indices">{filterWords(list, 24)}</span>
      {list.length === 0 ? null : (
        <button type="button" onClick={copy} aria-label={`copy the ${name} filters`}>
          {isCopied ? 'copied' : 'copy'}
        </button>
      )}
    </div>
  );
}
