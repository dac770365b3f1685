// Package gate decides. A verdict is a pure function of a policy and of findings: no
// clock, no input, no output.
package gate

import (
	"time"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
)

// Verdict is the decision. The zero value is Inconclusive; only Pass promotes.
type Verdict int

// The verdicts, worst last but for the zero value: see Worst.
const (
	Inconclusive Verdict = iota
	Pass
	Blocked
)

// Finding is one reason for a verdict.
type Finding struct {
	// Verdict is what this finding alone would decide. Pass is a remark (a warning).
	Verdict Verdict     `json:"verdict"`
	Rule    string      `json:"rule"` // "lost-edge", "expectation", "no-edges", …
	Edge    *reach.Edge `json:"edge,omitempty"`
	Message string      `json:"message"`
}

// Interruption is for how long an edge was down while a change was applied.
type Interruption struct {
	Edge     reach.Edge    `json:"edge"`
	Duration time.Duration `json:"duration"`
	Healed   bool          `json:"healed"`
}

// Findings are what was seen in one environment.
type Findings struct {
	Expectations  []reach.Expectation
	Baseline      reach.Matrix
	After         reach.Matrix
	Interruptions []Interruption
	// ApplyFailed is why the change could not be applied or did not become ready; empty if it did.
	ApplyFailed string
	// Failures are checks of other kinds that failed (Terraform check blocks, parity); they block.
	Failures []string
	// PlanDifferences are in what the plan differs from the one that was tested; they block.
	PlanDifferences []string
	// PlanRemarks are differences of the plan that are explained, or do no harm.
	PlanRemarks []string
	// Unclear are things that could not be found out; they make the verdict inconclusive.
	Unclear []string
	// Remarks are worth knowing and decide nothing.
	Remarks []string
}

// Decision is a verdict and everything that led to it, worst first.
type Decision struct {
	Verdict  Verdict   `json:"verdict"`
	Findings []Finding `json:"findings"`
}

// Policy is the part of an environment's gate that decides.
type Policy = config.Gate
