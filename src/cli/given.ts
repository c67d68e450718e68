/** What a command line gave. Asking for what the command does not declare is a bug, and thrown as one. */
export interface Given {
  readonly argument: (name: string) => string
  readonly maybe: (name: string) => string | undefined
  readonly arguments: (name: string) => readonly string[]
  readonly flag: (name: string) => boolean
  readonly text: (name: string) => string | undefined
  readonly texts: (name: string) => readonly string[]
  readonly count: (name: string) => number | undefined
}
