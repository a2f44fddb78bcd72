import { createHash } from 'node:crypto';
import { markup, trusted, type Html } from './html.ts';
import { styleSheet } from './style.ts';

/** Copies the command beside a button. The page is complete without it: the buttons appear only where it runs. */
const script = `
for (const button of document.querySelectorAll('button.copy')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const text = button.parentElement.querySelector('code').textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      const selection = getSelection();
      selection.selectAllChildren(button.parentElement.querySelector('code'));
      button.textContent = 'Selected';
    }
  });
}`;

/**
 * One whole document in one file. Its own policy admits its own style and script by their hashes, and nothing else: no
 * request is sent to anywhere, and no script that came with a name or a log line runs.
 */
export function htmlDocument(page: { readonly title: string; readonly body: Html }): string {
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(styleSheet)}'`,
    `script-src '${hashOf(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  // No space inside of style and script: their hashes are of what stands between the tags.
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${page.title}</title>
<style>${trusted(styleSheet)}</style>
</head>
<body>
${page.body}
<script>${trusted(script)}</script>
</body>
</html>
`.text;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
