# Run on each Python engine, in its namespace.
import numpy as np


def listen(samples, rate, n):
    """The n strongest tones in hertz, rising, and the spectrum in decibels."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    peaks = np.flatnonzero((spectrum[1:-1] > spectrum[:-2]) & (spectrum[1:-1] > spectrum[2:])) + 1
    strongest = np.sort(peaks[np.argsort(spectrum[peaks])[-n:]])
    return (strongest * rate / len(samples)).tolist(), 20 * np.log10(spectrum / spectrum.max() + 1e-9)
