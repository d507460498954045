import { render } from 'preact';
import { App } from './app.tsx';
import { unpack } from './data/pack.ts';
import type { PageData } from './data/types.ts';
import { layer, page, readAddress } from './state.ts';

/** The data that stands in the page: base64 of deflated bytes. */
async function dataIn(text: string): Promise<PageData> {
  const deflated = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return unpack(new Uint8Array(await new Response(stream).arrayBuffer())) as PageData;
}

async function start(): Promise<void> {
  const app = document.getElementById('app')!;
  try {
    page.value = await dataIn(document.getElementById('data')!.textContent);
    readAddress();
    addEventListener('hashchange', readAddress);
    addEventListener('popstate', readAddress);
    render(<App />, app);
    if (layer.value !== null) document.querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'center' });
  } catch (error) {
    app.textContent = `This page could not be drawn: ${String(error)}`;
  }
}

start();
