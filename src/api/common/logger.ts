/** The part of pino that the listener needs. */
export interface AccessLogger {
  readonly info: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}
