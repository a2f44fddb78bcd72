/** The key of an instance that has the hook installed. It is set before the client is, so that every restore keeps it. */
export const hookKey = 'hook';
