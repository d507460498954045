import { defineConfig } from 'vitepress';
import { PAGES, REPOSITORY } from './contents.mjs';

export default defineConfig({
  title: 'prunegate',
  description: 'Gate merges on pruning correctness: which filters a pruner really retained, from the ONNX weights.',
  srcDir: 'pages',
  base: process.env.SITE_BASE ?? '/',
  cleanUrls: true,
  themeConfig: {
    outline: [2, 3],
    search: { provider: 'local' },
    sidebar: PAGES,
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
  },
});
