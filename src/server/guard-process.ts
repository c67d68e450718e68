import { writeFileSync } from 'node:fs'

/**
 * Closes what Node and its libraries would open on their own: the memory of a process that holds keys, and its files. Whether there are core dumps
 * is the system's matter (LimitCORE=0, ulimit -c 0); what is in them is ours.
 */
export function guardProcess(): void {
  // Node opens the inspector on SIGUSR1 unless somebody listens; its protocol reads all memory, keys included. Before this
  // line only --disable-sigusr1 keeps it shut, with which all of ours start Node.
  process.on('SIGUSR1', () => {})
  // Diagnostic reports hold the environment, and with it a passphrase, and go to a file of Node's choosing.
  process.report.reportOnFatalError = false
  process.report.reportOnSignal = false
  process.report.reportOnUncaughtException = false
  process.report.excludeEnv = true
  leaveOutOfCoreDumps()
  // LevelDB and SQLite make their files for everybody to read; a data directory made beforehand would not hide them.
  process.umask(0o077)
}

/** core(5): a core dump holds no kind of memory then, and so no key. Of Linux. */
function leaveOutOfCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0')
  } catch {
    // Another system, or one that shows no /proc: its limit of core dumps is all there is.
  }
}
