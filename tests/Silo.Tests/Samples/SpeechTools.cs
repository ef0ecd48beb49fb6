using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Samples;

/// <summary>What speaks and what recognises.</summary>
internal static class SpeechTools
{
    public static void Require()
    {
        Tools.Require(Tools.EspeakNg);
        Tools.RequirePythonModule("pocketsphinx", "python3-pocketsphinx pocketsphinx-en-us");
    }
}
