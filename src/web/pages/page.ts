import type { ComponentType } from 'preact'
import type { Params } from '../router.ts'
import type { Area } from '../shell/nav.ts'
import type { Crumb } from '../shell/topbar.tsx'

export interface PageProps {
  readonly params: Params
}

export interface PageDefinition {
  readonly id: string
  /** Under `/ui`: `/buckets/:bucket/objects/*prefix`. The first that matches is it. */
  readonly pattern: string
  readonly area: Area
  readonly title: (params: Params) => string
  /** From the area to this page. Default: the title alone. */
  readonly crumbs?: (params: Params) => readonly Crumb[]
  /** The parameters that make it another page: with others of the rest it stays as it is, and reads what it needs. Default: all. */
  readonly sameWhen?: (params: Params) => unknown
  readonly load: () => Promise<{ readonly Page: ComponentType<PageProps> }>
}
