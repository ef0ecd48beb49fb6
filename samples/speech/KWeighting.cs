namespace Gristmill.Samples.Speech;

/// <summary>The K-weighting filter of ITU-R BS.1770-5, annex 1, for any sample rate: a high shelf, then a high pass.</summary>
/// <remarks>
/// The recommendation tabulates both stages at 48 kHz only. Frequency, quality and gain of the analogue filters behind the
/// table, and the bilinear forms below, are those of B. De Man, "Evaluation of Implementations of the EBU R128 Loudness
/// Measurement", AES Convention 145 (2018); at 48 kHz they give the tabulated coefficients, and the
/// response stays within 0.06 dB of that at 16 kHz and over, within 0.21 dB at 8 kHz.
/// </remarks>
internal sealed class KWeighting(int sampleRate)
{
    private const int TabulatedRate = 48_000;

    private readonly Biquad _shelf = new(HighShelf(sampleRate));
    private readonly Biquad _highPass = new(HighPass(sampleRate));

    internal double Next(double sample) => _highPass.Next(_shelf.Next(sample));

    /// <summary>Stage 1: the head's effect on sound from in front, some 4 dB more above 1.7 kHz.</summary>
    internal static Coefficients HighShelf(int sampleRate)
    {
        const double frequency = 1681.974450955533, quality = 0.7071752369554196, gainDb = 3.999843853973347;
        var k = Math.Tan(Math.PI * frequency / sampleRate);
        var high = Math.Pow(10, gainDb / 20);
        var band = Math.Pow(high, 0.4996667741545416);
        var a0 = 1 + k / quality + k * k;
        return new Coefficients(
            (high + band * k / quality + k * k) / a0,
            2 * (k * k - high) / a0,
            (high - band * k / quality + k * k) / a0,
            2 * (k * k - 1) / a0,
            (1 - k / quality + k * k) / a0);
    }

    /// <summary>Stage 2: the revised low-frequency B curve, less below 40 Hz.</summary>
    internal static Coefficients HighPass(int sampleRate)
    {
        const double frequency = 38.13547087602444, quality = 0.5003270373238773;
        static double A0(double k) => 1 + k / quality + k * k;
        var k = Math.Tan(Math.PI * frequency / sampleRate);
        // The table's numerator is 1, −2, 1: a passband gain a little over 1, kept the same at every rate.
        var gain = A0(Math.Tan(Math.PI * frequency / TabulatedRate)) / A0(k);
        return new Coefficients(gain, -2 * gain, gain, 2 * (k * k - 1) / A0(k), (1 - k / quality + k * k) / A0(k));
    }

    /// <summary>A second-order section, its numerator and denominator over a0.</summary>
    internal readonly record struct Coefficients(double B0, double B1, double B2, double A1, double A2);

    /// <summary>One section with its state, in transposed direct form II.</summary>
    private sealed class Biquad(Coefficients c)
    {
        private double _s1, _s2;

        internal double Next(double x)
        {
            var y = c.B0 * x + _s1;
            _s1 = c.B1 * x - c.A1 * y + _s2;
            _s2 = c.B2 * x - c.A2 * y;
            return y;
        }
    }
}
