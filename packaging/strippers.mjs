/** The command of binutils that strips an executable, by Node's name of the architecture. */
export const strippers = { x64: 'x86_64-linux-gnu-strip', arm64: 'aarch64-linux-gnu-strip' };
