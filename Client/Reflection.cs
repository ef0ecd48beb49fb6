namespace Gristmill.Client;

/// <summary>What is said of overloads that find a type's members while the program runs.</summary>
internal static class Reflection
{
    public const string Message = "The members of T are found by reflection. Where the program is trimmed or compiled ahead of time, use the overload with a JsonTypeInfo<T>.";
}
