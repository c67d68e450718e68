/**
 * Closes what Node and its libraries would open on their own: the memory of a process that holds keys, and its files. Core dumps are the system's
 * matter: LimitCORE=0, ulimit -c 0.
 */
export function guardProcess(): void {
  // Node opens the inspector on SIGUSR1 unless somebody listens; its protocol reads all memory, keys included.
  process.on('SIGUSR1', () => {})
  // Diagnostic reports hold the environment, and with it a passphrase, and go to a file of Node's choosing.
  process.report.reportOnFatalError = false
  process.report.reportOnSignal = false
  process.report.reportOnUncaughtException = false
  process.report.excludeEnv = true
  // LevelDB and SQLite make their files for everybody to read; a data directory made beforehand would not hide them.
  process.umask(0o077)
}
