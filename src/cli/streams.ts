/** What a command reads and writes. */
export interface Streams {
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream
  /** Standard input of the process by default. */
  readonly in?: NodeJS.ReadableStream & { readonly isTTY?: boolean }
}

export const isTerminal = (stream: object | undefined): boolean =>
  stream !== undefined && 'isTTY' in stream && stream.isTTY === true

export const widthOfTerminal = (stream: object): number =>
  'columns' in stream && typeof stream.columns === 'number' ? stream.columns : 100
