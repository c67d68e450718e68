/** True when `error` came from the operating system with one of `codes`, such as `ENOENT`. */
export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}

/** The disk, a quota or the largest allowed file is full. */
export const isNoSpace = (error: unknown): boolean => hasErrno(error, 'ENOSPC', 'EDQUOT', 'EFBIG')
