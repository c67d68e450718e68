import { Duplex } from 'node:stream'
import type { MessagePort } from 'node:worker_threads'

/** A piece of the stream; the end of it; all of it is over; what was sent is taken, and more may come. */
type Said = Uint8Array<ArrayBuffer> | 'end' | 'over' | 'taken'

export interface TunnelOptions {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  /** Of text that is written without one. Default: UTF-8. */
  readonly defaultEncoding?: BufferEncoding
}

/**
 * A connection between two threads of this process, which nobody else can reach. One piece is on its way at a time, so neither
 * end holds more than the other one takes. It has of a socket what Node's HTTP server asks of one.
 */
export class Tunnel extends Duplex {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly #port: MessagePort
  #taken: (() => void) | undefined
  #owesTaken = false
  #isOver = false
  #hasEnded = false

  constructor(port: MessagePort, { remoteAddress, remotePort, defaultEncoding = 'utf8' }: TunnelOptions = {}) {
    super({ allowHalfOpen: true, emitClose: true, defaultEncoding })
    this.#port = port
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    port.on('message', (said: Said) => this.#hear(said))
    port.on('close', () => this.#hear('over'))
  }

  override _read(): void {
    if (!this.#owesTaken) return
    this.#owesTaken = false
    this.#say('taken')
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.#say('end')
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isOver) this.#say('over')
    this.#isOver = true
    this.#taken = undefined
    this.#port.close()
    done(error)
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
    if (!this.writableEnded) this.end()
  }

  /** Whoever has the client's connection waits for it. */
  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    this.#port.ref()
    return this
  }

  unref(): this {
    this.#port.unref()
    return this
  }

  /** What came before the end is read first; without an end it was cut off. */
  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
    if (!this.#hasEnded || this.readableEnded) this.destroy()
    else this.once('end', () => this.destroy())
  }

  #send(chunk: Buffer, done: () => void): void {
    // Nobody reads it any more, and what there is to read may still be read.
    if (this.#isOver) return done()
    this.#taken = done
    const copy = new Uint8Array(chunk)
    this.#say(copy, [copy.buffer])
  }

  #say(said: Said, transfer: ArrayBuffer[] = []): void {
    if (!this.#isOver) this.#port.postMessage(said, transfer)
  }

  #hear(said: Said): void {
    if (said === 'taken') {
      const taken = this.#taken
      this.#taken = undefined
      taken?.()
    } else if (said === 'end') {
      this.#hasEnded = true
      this.push(null)
    } else if (said === 'over') this.#end()
    else if (this.destroyed) return
    else if (this.push(Buffer.from(said.buffer, said.byteOffset, said.byteLength))) this.#say('taken')
    else this.#owesTaken = true
  }
}

/** As of a socket of TLS. */
export class SecureTunnel extends Tunnel {
  readonly encrypted = true
}
