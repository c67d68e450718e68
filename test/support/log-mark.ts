import { logMark } from '../../src/envelope/log-mark.ts'

/** Of stores that no server opens. */
export const testMark = logMark(Buffer.alloc(32, 7), 'test')
