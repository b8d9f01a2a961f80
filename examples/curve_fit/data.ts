/**
 * Electron mobility by the logarithm of density, as NIST measured it: Thurber, R., National Institute of Standards
 * and Technology, 197?; a reference problem of nonlinear regression
 * (https://www.itl.nist.gov/div898/strd/nls/data/thurber.shtml).
 *
 * @module
 */

/** Logarithm of the density, and mobility. */
export const measured: readonly (readonly [density: number, mobility: number])[] = [
  [-3.067, 80.574],
  [-2.981, 84.248],
  [-2.921, 87.264],
  [-2.912, 87.195],
  [-2.84, 89.076],
  [-2.797, 89.608],
  [-2.702, 89.868],
  [-2.699, 90.101],
  [-2.633, 92.405],
  [-2.481, 95.854],
  [-2.363, 100.696],
  [-2.322, 101.06],
  [-1.501, 401.672],
  [-1.46, 390.724],
  [-1.274, 567.534],
  [-1.212, 635.316],
  [-1.1, 733.054],
  [-1.046, 759.087],
  [-0.915, 894.206],
  [-0.714, 990.785],
  [-0.566, 1090.109],
  [-0.545, 1080.914],
  [-0.4, 1122.643],
  [-0.309, 1178.351],
  [-0.109, 1260.531],
  [-0.103, 1273.514],
  [0.01, 1288.339],
  [0.119, 1327.543],
  [0.377, 1353.863],
  [0.79, 1414.509],
  [0.963, 1425.208],
  [1.006, 1421.384],
  [1.115, 1442.962],
  [1.572, 1464.35],
  [1.841, 1468.705],
  [2.047, 1447.894],
  [2.2, 1457.628],
];

/** What NIST certifies, to 11 digits: parameters and their standard deviations, of `cubics` in `model.ts`. */
export const certified = {
  value: [
    1288.13968,
    1491.0792535,
    583.23836877,
    75.416644291,
    0.96629502864,
    0.39797285797,
    0.049727297349,
  ],
  deviation: [
    4.6647963344,
    39.571156086,
    28.698696102,
    5.567537027,
    0.031333340687,
    0.014984928198,
    0.0065842344623,
  ],
} as const;
