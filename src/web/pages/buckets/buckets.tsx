import { PageHead } from '../../parts/page-head.tsx'

export const Page = () => <PageHead title="Buckets" />
