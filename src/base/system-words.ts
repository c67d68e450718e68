const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  EACCES: 'may not be used by you',
  EPERM: 'may not be used by you',
  EISDIR: 'is a directory',
  ENOTDIR: 'is below something that is no directory',
  EEXIST: 'is there already, and is something else',
  ENOSPC: 'has no room left',
  EROFS: 'may be read alone',
  EMFILE: 'is one file too many: raise ulimit -n, or lower --parallel',
}

/** What the system refused, for whoever typed the command. */
export function systemWords(error: Error & { readonly code: unknown; readonly path?: unknown }): string {
  const words = WORDS[String(error.code)]
  if (words === undefined) return error.message.replace(/^\w+: /, '')
  return `${typeof error.path === 'string' ? error.path : 'the place that it goes to'} ${words}`
}

/** Of a call to the system, and of nothing else. */
export const isOfSystem = (error: unknown): error is Error & { readonly code: string; readonly syscall: string } =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string'
