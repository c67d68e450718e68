import { z } from 'zod'
import type { HealthReport } from '../../api/common/health.ts'
import type { HostRoute } from '../host-socket.ts'
import type { Address } from '../settings.ts'

export const HEALTH_PATH = '/health'

/** What a server tells whoever has its data directory, wherever it listens. */
export const HEALTH = z.object({
  ok: z.boolean(),
  problems: z.array(z.string()),
  control: z.object({ host: z.string(), port: z.number() }),
})

export const healthRoute = (health: () => HealthReport, control: Address): HostRoute => ({
  method: 'GET',
  path: /^\/health$/,
  handle: async ({ reply }) => {
    const { ok, problems = [] } = health()
    const told: z.infer<typeof HEALTH> = { ok, problems: [...problems], control }
    reply.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(told))
  },
})
