import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    pool: 'forks',
    maxWorkers: 2,
    allowOnly: false,
    // On a machine that others load too, a socket may be slower than a test waits. By hand nothing is tried twice.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    reporters: ['default', 'json'],
    outputFile: { json: 'node_modules/.cache/vitest-results.json' },
  },
})
