import picomatch from 'picomatch';

/** Each multiplies the ways in which a text can be cut: a few hundred would take for ever. */
const mostStars = 5;

/** Whether a text is a glob that can be asked quickly of any other text. */
export function isGlobOfText(glob: string): boolean {
  return matcher(glob) !== null;
}

/** Whether one of the globs fits the whole text; `*` fits slashes and spaces as well. */
export function fitsGlob(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => matcher(glob)?.(text) ?? false);
}

function matcher(glob: string): ((text: string) => boolean) | null {
  if (glob.split('*').length - 1 > mostStars) return null;
  try {
    // With `bash`, a star stands for anything at all: a name is no path.
    return picomatch(glob.replaceAll('[!', '[^'), {
      nonegate: true,
      noextglob: true,
      dot: true,
      bash: true,
      strictBrackets: true,
    });
  } catch {
    return null;
  }
}
