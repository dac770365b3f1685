package filelock_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/filelock"
)

func TestOneHolderAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if held, err := filelock.Held(path); held || err != nil {
		t.Fatalf("Held before the first lock = %v, %v; want false", held, err)
	}
	first, err := filelock.Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Try(path); !errors.Is(err, filelock.ErrHeld) {
		t.Fatalf("second Try = %v; want ErrHeld", err)
	}
	if held, err := filelock.Held(path); !held || err != nil {
		t.Fatalf("Held = %v, %v; want true", held, err)
	}
	time.AfterFunc(100*time.Millisecond, func() { first.Close() })
	waited := false
	second, err := filelock.Wait(t.Context(), path, func() { waited = true })
	if err != nil || !waited {
		t.Fatalf("Wait = %v, waited %v; want the lock after a wait", err, waited)
	}
	second.Close()
}

func TestWaitEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	file, err := filelock.Try(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := filelock.Wait(ctx, path, func() {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait = %v; want the deadline", err)
	}
}

func TestRemovedFileIsNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := filelock.Try(path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := filelock.Try(path)
	if err != nil {
		t.Fatalf("Try after the file was removed = %v; want the lock on the new file", err)
	}
	second.Close()
}

func TestChildInheritsTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	file, err := filelock.Try(path)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "60")
	child.ExtraFiles = []*os.File{file}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if held, err := filelock.Held(path); !held || err != nil {
		t.Errorf("Held while the child lives = %v, %v; want true", held, err)
	}
	child.Process.Kill()
	child.Wait()
	if held, err := filelock.Held(path); held || err != nil {
		t.Errorf("Held after the child died = %v, %v; want false", held, err)
	}
}
