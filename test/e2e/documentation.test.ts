import { testPage } from '../docs/pages.ts';

// The short one. All pages: npm run test:docs.
testPage('README.md', 300_000);
