export const Logo = () => (
  <svg viewBox="0 0 40 40" aria-hidden="true">
    <path class="brand-body" d="M20 1.5 36 10.7v18.6L20 38.5 4 29.3V10.7z" />
    <path class="brand-pail" d="M11.5 15.5h17l-1.8 12a2.5 2.5 0 0 1-2.5 2.1h-8.4a2.500 2.500 0 0 1-2.500-2.100z" />
    <path class="brand-handle" d="M14.5 15.5v-1.8a5.5 5.5 0 0 1 11 0v1.8" />
    <circle class="brand-lock" cx="20" cy="21.8" r="2" />
  </svg>
)
