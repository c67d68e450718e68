export interface SkeletonProps {
  readonly rows?: number
}

/** Rows that are on their way. */
export const Skeleton = ({ rows = 4 }: SkeletonProps) => (
  <div class="skeleton" aria-hidden="true">
    {Array.from({ length: rows }, (_, index) => (
      <span key={index} />
    ))}
  </div>
)
