/**
 * Whoever reads what is written may stop before the end, as `head` does: that is no failure. Anything else that keeps an
 * answer from being written is told in a line, and ends the process with 1.
 */
export function endWithReader(out: NodeJS.WritableStream): void {
  if (out !== process.stdout || out.listenerCount('error') > 0) return
  out.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    const why = error.code === 'ENOSPC' ? 'there is no room left' : error.message
    process.stderr.write(`✕ Can't write the answer: ${why}.\n`)
    process.exit(1)
  })
}
