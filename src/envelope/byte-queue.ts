/** Chunks below this are gathered, so that a source of tiny chunks costs memory and calls in proportion to its bytes. */
const SMALL_BYTES = 4_096
const STAGING_BYTES = 16_384
/** Gathering costs an allocation, which a short body need not pay. */
const UNGATHERED = 16

/** Chunks in, runs of an exact length out, without copying what is large. Chunks must not change until they are taken. */
export class ByteQueue {
  #chunks: Uint8Array[] = []
  #length = 0
  #staging = Buffer.alloc(0)
  #staged = 0
  #small = 0

  get length(): number {
    return this.#length
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#length += chunk.length
    if (chunk.length < SMALL_BYTES && this.#small++ >= UNGATHERED) this.#stage(chunk)
    else {
      this.#flush()
      this.#chunks.push(chunk)
    }
  }

  /** Precondition: the queue holds `length` bytes. */
  take(length: number): Uint8Array[] {
    if (length > this.#length) throw new RangeError(`${length} bytes asked of ${this.#length}`)
    this.#flush()
    const taken: Uint8Array[] = []
    let missing = length
    let used = 0
    for (; missing > 0; used++) {
      const chunk = this.#chunks[used]
      if (chunk === undefined) throw new Error('the queue miscounted')
      if (chunk.length > missing) {
        taken.push(chunk.subarray(0, missing))
        this.#chunks[used] = chunk.subarray(missing)
        break
      }
      taken.push(chunk)
      missing -= chunk.length
    }
    this.#chunks.splice(0, used)
    this.#length -= length
    return taken
  }

  #stage(chunk: Uint8Array): void {
    if (this.#staged + chunk.length > this.#staging.length) {
      this.#flush()
      this.#staging = Buffer.allocUnsafeSlow(STAGING_BYTES)
    }
    this.#staging.set(chunk, this.#staged)
    this.#staged += chunk.length
  }

  #flush(): void {
    if (this.#staged === 0) return
    this.#chunks.push(this.#staging.subarray(0, this.#staged))
    this.#staging = this.#staging.subarray(this.#staged)
    this.#staged = 0
  }
}
