// Package report writes one result in several formats, one file per format.
package report

import (
	"slices"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Result is what a run of stage, promote or check found: the one value behind all formats.
type Result struct {
	RunID    string        `json:"runID"`
	Command  string        `json:"command"` // "check", "stage", "promote"
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"durationNanoseconds"`
	Change   Change        `json:"change"`
	// Environments in the order of the run; check has one.
	Environments []Environment `json:"environments"`
	// Verdict is the worst of the environments'.
	Verdict gate.Verdict `json:"verdict"`
	// ExitCode is the process's exit code for this result.
	ExitCode int `json:"exitCode"`
	// Error is why the run could not go on; empty where it came to a verdict.
	Error string `json:"error,omitempty"`
	// Next is what the reader can do now, one step a line.
	Next []string `json:"next,omitempty"`
}

// Change names what was proposed.
type Change struct {
	Name   string        `json:"name"`
	Kind   change.Kind   `json:"kind"`
	Digest change.Digest `json:"digest"`
	Parts  []string      `json:"parts"` // "helm charts/podinfo", …
}

// Environment is what happened in one environment.
type Environment struct {
	Name        string `json:"name"`
	ClusterName string `json:"clusterName"`
	Provider    string `json:"provider,omitempty"`
	ClusterUID  string `json:"clusterUID,omitempty"`
	Version     string `json:"version,omitempty"`
	// Steps in order, each with how it ended and how long it took.
	Steps []Step `json:"steps"`
	// Plan is what the change would do here.
	Plan change.Set `json:"plan"`
	// Edges are the expectations with their outcomes after the change.
	Grade         reach.Grade         `json:"grade"`
	Expectations  []reach.Expectation `json:"expectations,omitempty"`
	Baseline      reach.Matrix        `json:"baseline"`
	After         reach.Matrix        `json:"after"`
	Difference    reach.Difference    `json:"difference"`
	Interruptions []gate.Interruption `json:"interruptions,omitempty"`
	Decision      gate.Decision       `json:"decision"`
	// Reverted is set where the change was taken back.
	Reverted *Revert `json:"reverted,omitempty"`
	// RolledBack is set where a person took the change back later.
	RolledBack *Rollback `json:"rolledBack,omitempty"`
	// Evidence is the digest of the signed record; empty where none was written.
	Evidence string `json:"evidence,omitempty"`
	// Untouched is true where nothing in this environment was changed.
	Untouched bool `json:"untouched"`
}

// Step is one step of the pipeline.
type Step struct {
	Name     string        `json:"name"` // "plan", "baseline", "apply", …
	Outcome  string        `json:"outcome"`
	Detail   string        `json:"detail,omitempty"`
	Duration time.Duration `json:"durationNanoseconds"`
}

// The outcomes of a step.
const (
	Done    = "done"
	Failed  = "failed"
	Skipped = "skipped"
)

// Revert is how a change was taken back.
type Revert struct {
	// Restored is true where nothing is left and every edge of the baseline is back.
	Restored bool `json:"restored"`
	// Recreated is true where the environment stayed dirty, and was thrown away and made anew.
	Recreated bool `json:"recreated,omitempty"`
	// Left is what could not be put back, and why.
	Left []Left `json:"left,omitempty"`
	// Kept is what others changed since, and was therefore left as it is.
	Kept []Left `json:"kept,omitempty"`
	// Missing are edges of the baseline that did not come back.
	Missing []reach.Change `json:"missing,omitempty"`
}

// Rollback is how a change was taken back after its run, the last time that was tried.
type Rollback struct {
	Time  time.Time `json:"time"`
	Error string    `json:"error,omitempty"` // of the rollback itself
	Revert
}

// String is the outcome in two words.
func (r Rollback) String() string {
	if r.Done() && r.Error == "" {
		return "rolled back"
	}
	return "rollback incomplete"
}

// Done tells whether nothing is left for a person to do: all is back, or went with the
// cluster. A new cluster does not mend a state that is outside it.
func (r Revert) Done() bool { return r.Restored || r.Recreated && !r.Outside() }

// Outside tells whether something is left that is no object of the cluster.
func (r Revert) Outside() bool {
	return slices.ContainsFunc(r.Left, func(l Left) bool { return l.Address != "" })
}

// Left is one object that a revert did not put back. It is outside the cluster where it
// has an address, which is that of a Terraform resource.
type Left struct {
	Object  snapshot.Key `json:"object"`
	Address string       `json:"address,omitempty"`
	Why     string       `json:"why"`
}
