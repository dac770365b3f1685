package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/lock"
	"github.com/stagegate/stagegate/internal/report"
)

// session is one environment's part of a run.
type session struct {
	*run
	*opened
	env      *config.Environment
	checks   config.Checks
	lock     *lock.Lock
	backends map[change.Kind]apply.Backend
	target   change.Target
	prober   Prober
	records  []*apply.Record   // of the parts that were begun, in order
	tested   map[string][]byte // plans that were tested in the environments before, by their names
	findings gate.Findings
	watch    *watch    // from the first write on
	applied  time.Time // when all was applied and ready
	out      *report.Environment
}

// gate takes the change through one environment. What it returns is an error of the
// tool's own; a change that fails is a verdict in the result.
func (r *run) gate(ctx context.Context, env *config.Environment) (err error) {
	s, err := r.open(ctx, env)
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err != nil {
		return err
	}
	return s.take(ctx)
}

// take is the steps from the plan to the evidence.
func (s *session) take(ctx context.Context) error {
	if err := s.verifyEvidence(ctx); err != nil {
		return err
	}
	if err := s.parity(ctx); err != nil {
		return err
	}
	if err := s.plan(ctx); err != nil {
		return err
	}
	if s.findings.Stopped() { // by what is known before anything is touched
		s.decide()
		return s.conclude(ctx)
	}
	if err := s.loadImages(ctx); err != nil {
		return err
	}
	if err := s.baseline(ctx); err != nil {
		return err
	}
	if s.unproven() {
		s.decide()
		return s.conclude(ctx)
	}
	err := s.carryOut(ctx)
	s.decide()
	if s.out.Untouched {
		return errors.Join(err, s.conclude(ctx))
	}
	if err == nil {
		err = s.keep(noteDecided, s.out.Plan.Summaries)
	}
	if err != nil || s.out.Decision.Verdict != gate.Pass {
		err = errors.Join(err, s.revert(ctx))
	} else {
		err = s.commit(ctx)
	}
	if err != nil {
		return err
	}
	return s.conclude(ctx)
}

// conclude signs the decision and keeps the result with it.
func (s *session) conclude(ctx context.Context) error {
	if err := s.attest(ctx); err != nil {
		return err
	}
	return s.keepSoFar()
}

// keep keeps the result as it is now, and notes in the journal what was come to.
func (s *session) keep(what string, data any) error {
	if err := s.keepSoFar(); err != nil {
		return err
	}
	return s.note(what, s.env.Name, data)
}

// carryOut applies the change and looks what became of the edges, watching them all the while.
func (s *session) carryOut(ctx context.Context) error {
	s.out.Untouched = false
	if err := s.keepSoFar(); err != nil {
		return err
	}
	s.watch = newWatch(s.findings.Baseline)
	defer s.noteInterruptions()
	stop := s.sample(ctx)
	defer stop()
	err := s.apply(ctx)
	if !s.closely() {
		stop()
	}
	if err != nil || s.out.Untouched {
		return err
	}
	return s.verify(ctx, stop)
}
