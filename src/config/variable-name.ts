/** The POSIX form. A flag must not accept what guard.yaml refuses. */
export const variableNameForm = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function isVariableName(text: string): boolean {
  return variableNameForm.test(text);
}
