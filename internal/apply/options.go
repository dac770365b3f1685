package apply

import "time"

// FieldManager is the name under which stagegate owns the fields that it applies.
const FieldManager = "stagegate"

// Options bound what a back end does. The zero value of each means its default.
type Options struct {
	ReadyTimeout  time.Duration // until everything applied is ready; default 5 min
	DeleteTimeout time.Duration // until what is deleted is gone, each stage; default 2 min
	RetryFor      time.Duration // how long a request is retried; default 30 s
	// Settle is how long a policy engine that is being taken back keeps running after
	// its policies are gone, so that it removes its rules from the nodes; default 5 s.
	// Negative means not at all.
	Settle      time.Duration
	Concurrency int // requests at once; default 16
}

// WithDefaults fills in the defaults.
func (o Options) WithDefaults() Options {
	setDefault(&o.ReadyTimeout, 5*time.Minute)
	setDefault(&o.DeleteTimeout, 2*time.Minute)
	setDefault(&o.RetryFor, 30*time.Second)
	setDefault(&o.Settle, 5*time.Second)
	setDefault(&o.Concurrency, 16)
	return o
}

func setDefault[T time.Duration | int](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}
