const INSPECT = Symbol.for('nodejs.util.inspect.custom')
const HIDDEN = '[secret]'

/** A text that logs, error messages, JSON and the inspector show as `[secret]`. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  readonly reveal = (): string => this.#text
  readonly toString = (): string => HIDDEN
  readonly toJSON = (): string => HIDDEN
  readonly [INSPECT] = (): string => HIDDEN
}
