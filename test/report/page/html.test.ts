import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markup, preformatted, trusted } from '../../../src/report/page/html.ts';

/** Control and bidirectional characters, but no line feeds. */
// oxlint-disable-next-line no-control-regex -- finding control characters is the purpose
const invisible = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

describe('text in a page', () => {
  test('never contains markup, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const page = markup`<p title="${text}">${text}</p>`.text;
        const inside = page.slice('<p title="'.length, -'</p>'.length);
        expect(inside.match(/[<>]/g)).toEqual(['>']);
        expect(inside.match(/"/g)).toHaveLength(1);
        expect(inside.replace(/&(amp|lt|gt|quot|#39|#96);/g, '')).not.toMatch(/[&'`]/);
      }),
    );
  });

  test('of several lines never contains markup, and is never longer than its bound, whatever bytes it was', () => {
    const bytes = fc.uint8Array({ maxLength: 400 }).map((list) => Buffer.from(list).toString('utf8'));
    fc.assert(
      fc.property(
        fc.oneof(bytes, fc.string({ unit: 'binary', maxLength: 400 })),
        fc.integer({ min: 1, max: 5 }),
        (text, most) => {
          const page = preformatted(text, most).text;
          expect(page.replace(/&(amp|lt|gt|quot|#39|#96);/g, '')).not.toMatch(/[<>"'`&\p{Surrogate}]/u);
          expect(page).not.toMatch(invisible);
          expect(page.split('\n').length).toBeLessThanOrEqual(most + 1);
        },
      ),
    );
  });

  test('has no control and no bidirectional characters and no half of a surrogate pair', () => {
    const page = markup`${'a\u001b[31m\u202eevil\u2066\u0000\ud800z'}`.text;
    // oxlint-disable-next-line no-control-regex -- finding control characters is the purpose
    expect(page).not.toMatch(/[\u0000-\u001f\u202e\u2066\ud800]/);
    expect(page).toContain('\\x1b');
  });

  test('has a bound, also in lines that stay lines', () => {
    expect(markup`${'x'.repeat(1_000_000)}`.text.length).toBeLessThan(5000);
    const lines = preformatted('line\n'.repeat(100_000), 200).text.split('\n');
    expect(lines).toHaveLength(201);
    expect(lines[0]).toContain('99800 lines before');
    expect(preformatted('y'.repeat(1_000_000)).text.length).toBeLessThan(1500);
  });

  test('markup of guard stays markup; null and false leave nothing', () => {
    expect(markup`${trusted('<b>')}${null}${false}${['a', markup`<i>`]}${3}`.text).toBe('<b>a<i>3');
  });
});
