package analytics

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// spread gathers the values of a series in whole numbers, so that a coefficient of
// variation of exactly 0.10 is told from one above it and constant series have a σ of
// exactly 0.
type spread struct {
	n       int64
	sum     int64     // the caller sees to it that it fits
	squares [3]uint64 // Σx², the lowest word first
}

func (s *spread) add(x int64) {
	s.n++
	s.sum += x
	high, low := bits.Mul64(distance(x), distance(x))
	var carry uint64
	s.squares[0], carry = bits.Add64(s.squares[0], low, 0)
	s.squares[1], carry = bits.Add64(s.squares[1], high, carry)
	s.squares[2] += carry
}

// limit is the square of a largest coefficient of variation as a fraction: of the
// number that the configuration shows, 0.10 and not 0.1000000000000000055….
type limit struct {
	bound                  float64
	numerator, denominator *big.Int
}

func limitOf(bound float64) limit {
	exact, _ := new(big.Rat).SetString(strconv.FormatFloat(bound, 'f', -1, 64)) // always a decimal
	return limit{bound, new(big.Int).Mul(exact.Num(), exact.Num()), new(big.Int).Mul(exact.Denom(), exact.Denom())}
}

// variation is what a series is classed by. All are of the population.
type variation struct {
	mean, sigma, cv float64
	class           string // empty where the mean is not above zero
}

// classifier classes series by two limits. Its numbers are kept from series to
// series, so that one costs no memory.
type classifier struct {
	x, y                         limit
	squares, spread, square, one big.Int
	left, right                  big.Int
}

func newClassifier(x, y float64) *classifier { return &classifier{x: limitOf(x), y: limitOf(y)} }

// near is how far from a limit a coefficient in floating point decides alone; it is
// right to about 15 digits.
const near = 1e-9

// of works out σ and σ/μ of a series that is not empty, by n²σ² = n·Σx² − (Σx)².
func (c *classifier) of(s spread) variation {
	n := float64(s.n)
	v := variation{mean: float64(s.sum) / n}
	var root float64
	if high, wide := bits.Mul64(uint64(s.n), s.squares[0]); high == 0 && s.squares[1]|s.squares[2] == 0 && distance(s.sum) <= math.MaxUint32 { //nolint:gosec // G115: a count
		// Most series are small enough for a machine word.
		root = math.Sqrt(float64(wide - distance(s.sum)*distance(s.sum)))
	} else {
		c.fill(s)
		wide, _ := c.spread.Float64()
		root = math.Sqrt(wide)
	}
	v.sigma = root / n
	if s.sum <= 0 {
		return v
	}
	v.cv = root / float64(s.sum)
	switch {
	case c.within(s, v.cv, c.x):
		v.class = "X"
	case c.within(s, v.cv, c.y):
		v.class = "Y"
	default:
		v.class = "Z"
	}
	return v
}

// fill makes spread = n·Σx² − (Σx)² and square = (Σx)².
func (c *classifier) fill(s spread) {
	c.squares.SetUint64(s.squares[2])
	for _, word := range []uint64{s.squares[1], s.squares[0]} {
		c.squares.Lsh(&c.squares, 64)
		c.squares.Or(&c.squares, c.one.SetUint64(word))
	}
	c.spread.Mul(&c.squares, c.one.SetInt64(s.n))
	c.one.SetInt64(s.sum)
	c.square.Mul(&c.one, &c.one)
	c.spread.Sub(&c.spread, &c.square)
}

// within tells whether σ/μ is at most the bound; near it by whole numbers alone.
func (c *classifier) within(s spread, cv float64, most limit) bool {
	if math.Abs(cv-most.bound) > near {
		return cv < most.bound
	}
	c.fill(s)
	c.left.Mul(&c.spread, most.denominator)
	c.right.Mul(&c.square, most.numerator)
	return c.left.Cmp(&c.right) <= 0
}
